/// A shared object that is no core.
int no_symbol_here(void);
int no_symbol_here(void) {
  return 0;
}
