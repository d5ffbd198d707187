#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

static LogLevel current_level = LOG_WARN;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char progress[256];

void log_set_level(LogLevel level)
{
    current_level = level;
}

static bool is_enabled(LogLevel level)
{
    return level <= current_level;
}

static void put_line(const char *prefix, const char *text)
{
    pthread_mutex_lock(&lock);
    fprintf(stderr, "%s%s%s\n%s", progress[0] != '\0' ? "\r\033[K" : "", prefix, text, progress);
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

void log_progress(const char *line)
{
    if (isatty(STDERR_FILENO) == 0)
        return;
    pthread_mutex_lock(&lock);
    text_escape(progress, sizeof progress, line != NULL ? line : "", line != NULL ? strlen(line) : 0);
    fprintf(stderr, "\r\033[K%s", progress);
    fflush(stderr);
    pthread_mutex_unlock(&lock);
}
