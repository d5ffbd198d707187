/* interrupt.h: the one flag that says "a signal asked to end". Set by the signal thread, read by any thread. */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <stdbool.h>

#include "base/err.h"

void interrupt_set(int signal_number);
int interrupt_signal(void); /* 0 = none yet */

/* True when nobody asked to end; else false and ERR_INTERRUPTED. For loops that may take long. */
bool interrupt_check(Err *err);

#endif
