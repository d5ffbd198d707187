/* signals.h: SIGINT, SIGTERM and SIGHUP, taken by one thread. The first asks to end, the second ends at once with 128 + signal. One
 * that is ignored when the program starts (nohup, `trap '' INT`) stays ignored. */
#ifndef FLOW_SIGNALS_H
#define FLOW_SIGNALS_H

#include "base/err.h"

/* Blocks the signals in the calling thread and so in all that it starts later; ignores SIGPIPE and SIGXFSZ (the write fails
 * instead), and SIGIO (base/lease.h). Once, before any other thread. */
bool signals_start(Err *err);

#endif
