/// Where the contended test core leaves its counts: words at the start of machine memory.
#ifndef ASSAY_SIM_PORT_TESTING_CONTENDED_H
#define ASSAY_SIM_PORT_TESTING_CONTENDED_H

enum {
  CONTENDED_ENTRIES = 0, /**< hypercalls handled */
  CONTENDED_MISSES = 1,  /**< attempts that found the lock taken */
  CONTENDED_RACES = 2,   /**< updates lost because the lock was not taken around them */
};

#endif
