#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define HIDE_SECONDS 0.5 /* so long the progress line stays away after a line of the answer */

static LogLevel current_level = LOG_WARN;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char progress[1024]; /* escaped; "" = none is shown */
static double hidden_until;

void log_set_level(LogLevel level)
{
    current_level = level;
}

static bool is_enabled(LogLevel level)
{
    return level <= current_level;
}

bool log_can_redraw(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) != 0 && term != NULL && term[0] != '\0' && strcmp(term, "dumb") != 0;
}

/* One column less than the terminal has at this moment: a line that is as wide as it would wrap. */
static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1u : 79;
}

/* What fits of the line; no character is cut. */
static int fitting_bytes(const char *line)
{
    size_t at = 0;
    for (size_t left = columns(); line[at] != '\0' && left > 0; left--)
        for (at++; ((unsigned char)line[at] & 0xc0) == 0x80;)
            at++;
    return (int)at;
}

static void put_line(const char *prefix, const char *text)
{
    pthread_mutex_lock(&lock);
    fprintf(stderr, "%s%s%s\n%.*s", progress[0] != '\0' ? "\r\033[K" : "", prefix, text, fitting_bytes(progress), progress);
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

static const char *const prefixes[] = {"error: ", "warning: ", "", "debug: "};

__attribute__((format(printf, 3, 0))) static void format_safely(char *text, size_t cap, const char *format, va_list args)
{
    char raw[2048];
    vsnprintf(raw, sizeof raw, format, args);
    text_escape(text, cap, raw, strlen(raw));
}

__attribute__((format(printf, 2, 0))) static void put(LogLevel level, const char *format, va_list args)
{
    char text[4096];
    format_safely(text, sizeof text, format, args);
    put_line(prefixes[level], text);
}

void log_line(LogLevel level, const char *format, ...)
{
    if (!is_enabled(level))
        return;
    va_list args;
    va_start(args, format);
    put(level, format, args);
    va_end(args);
}

void log_loud_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put(LOG_WARN, format, args);
    va_end(args);
}

void log_question(const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    format_safely(text, sizeof text, format, args);
    va_end(args);
    pthread_mutex_lock(&lock);
    fputs(text, stderr);
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}

void log_err(LogLevel level, const Err *err)
{
    log_line(level, "%s", err->text);
    if (err->hint[0] != '\0' && is_enabled(level))
        put_line("  hint: ", err->hint);
}

void log_told(const char *line)
{
    char text[2048];
    text_escape(text, sizeof text, line, strlen(line));
    put_line("", text);
}

/* The lock is held. */
static void draw(const char *line)
{
    bool was_shown = progress[0] != '\0';
    text_escape(progress, sizeof progress, line, strlen(line));
    if (was_shown || progress[0] != '\0')
        fprintf(stderr, "\r\033[K%.*s", fitting_bytes(progress), progress);
    fflush(stderr);
}

void log_progress(const char *line)
{
    if (!log_can_redraw())
        return;
    pthread_mutex_lock(&lock);
    if (line == NULL || clock_seconds() >= hidden_until)
        draw(line != NULL ? line : "");
    pthread_mutex_unlock(&lock);
}

void log_hide_progress(void)
{
    pthread_mutex_lock(&lock);
    hidden_until = clock_seconds() + HIDE_SECONDS;
    if (progress[0] != '\0')
        draw("");
    pthread_mutex_unlock(&lock);
}
