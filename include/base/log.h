/* log.h: the log on stderr. Any thread; a line is written whole. Text is escaped, so hostile names cannot move the cursor. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#include "base/err.h"

typedef enum LogLevel { LOG_ERROR = 0, LOG_WARN = 1, LOG_INFO = 2, LOG_DEBUG = 3 } LogLevel;

void log_set_level(LogLevel level); /* before threads start; LOG_WARN at first: -q = LOG_ERROR, -v = LOG_INFO, -vv = LOG_DEBUG */

void log_line(LogLevel level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A warning that -q does not silence: what would be lost if nobody read it. */
void log_loud_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A question to the person at the terminal: no newline behind it. */
void log_question(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The error's text, and its hint on a second line. */
void log_err(LogLevel level, const Err *err);

/* A line that was asked for, whatever the level. */
void log_told(const char *line);

/* Is stderr a terminal on which a line can be replaced? Not where TERM is dumb, or not set. */
bool log_can_redraw(void);

/* The progress line: replaces itself, is redrawn behind log lines, and is cut to the width that the terminal has at that moment.
 * NULL removes it. Nothing unless log_can_redraw. */
void log_progress(const char *line);

/* Before a line of the answer goes to the same terminal: removes the progress line for half a second. */
void log_hide_progress(void);

#endif
