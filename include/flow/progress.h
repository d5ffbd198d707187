/* progress.h: what a command tells while it works. One for the process, as the log is; each call is free before progress_start.
 *
 * On a terminal it is a line that replaces itself four times a second; elsewhere, and where the terminal is dumb, a line every so
 * often. SIGUSR1 has one printed anywhere. When nothing has gone on for a while the line says what was begun last.
 *
 *   progress_phase("storing", 120, bytes); … progress_add(1, bytes) by any thread … progress_phase("reading back", …); …
 *
 * Any thread. */
#ifndef FLOW_PROGRESS_H
#define FLOW_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* live: may a line be drawn on a terminal? every: seconds between two lines elsewhere, 0 = none. Threads start here: signals_start
 * goes first. Without a thread there is no progress, and no error. */
void progress_start(bool live, double every);

/* Before the answer is printed, and at the end: the line is gone, its thread has ended. */
void progress_stop(void);

/* The next part of the work. models, bytes: how much it is, 0 = not known. what: a string literal. */
void progress_phase(const char *what, uint64_t models, uint64_t bytes);

void progress_add(uint64_t models, uint64_t bytes); /* so much more is done */
void progress_failed(void);                         /* one of them failed */

/* What a thread begins now: "reading sub/x.joblib". */
void progress_begin(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The line as it is now, on stderr: somebody asked. */
void progress_print(void);

#endif
