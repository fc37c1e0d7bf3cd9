/// What the ticker test core does, by hypercall number (argument in rdi), and where it leaves its counts.
#ifndef ASSAY_SIM_PORT_TESTING_TICKER_H
#define ASSAY_SIM_PORT_TESTING_TICKER_H

enum {
  TICKER_SET_TIMER = 100,   /**< this pCPU's timer, so many ns from now */
  TICKER_SIGNAL = 101,      /**< a signal to this pCPU number */
  TICKER_SLICE = 102,       /**< the vCPU runs for so many ns at a time */
  TICKER_READ_CONSOLE = 103 /**< result: the first byte typed, 0 = none */
};

/** Words of machine memory from word pcpu * TICKER_WORDS on. */
enum { TICKER_PREEMPTED = 0, TICKER_LAST_NS = 1, TICKER_WORDS = 2 };

#endif
