/* pickle_end.h: does a pickle end before its file does? Nothing is loaded. Any thread, no shared state. */
#ifndef SOURCE_PICKLE_END_H
#define SOURCE_PICKLE_END_H

#include <stdbool.h>
#include <stdint.h>

/* Walks the opcodes from the first byte to STOP; what lies behind it is of no matter to pickle.load. Where arrays of joblib lie
 * between the opcodes, which cannot be told from them, only zeros may be behind. False: it has no end, or cannot be read. fd: its
 * offset stays. */
bool pickle_has_end(int fd, uint64_t size);

#endif
