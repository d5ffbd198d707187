#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

typedef struct ClassInfo {
    const char *name;
    int exit_code;
} ClassInfo;

static const ClassInfo class_info[] = {
    [ERR_NONE] = {"none", 0},     [ERR_SKIP] = {"skip", 3},     [ERR_CONFLICT] = {"conflict", 3},
    [ERR_RETRY] = {"retry", 5},   [ERR_READ_ONLY] = {"read-only", 1}, [ERR_UNREACHABLE] = {"unreachable", 5},
    [ERR_STOP] = {"stop", 1},     [ERR_USAGE] = {"usage", 2},   [ERR_SCHEMA] = {"schema", 10},
    [ERR_LOCKED] = {"locked", 11}, [ERR_INTERRUPTED] = {"interrupted", 1}, [ERR_BUG] = {"bug", 1},
};

__attribute__((format(printf, 3, 0))) static void fill(Err *err, ErrClass cls, const char *format, va_list args)
{
    char raw[sizeof err->text];
    vsnprintf(raw, sizeof raw, format, args);
    memset(err, 0, sizeof *err);
    err->cls = cls;
    text_escape(err->text, sizeof err->text, raw, strlen(raw));
}

bool err_set(Err *err, ErrClass cls, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    fill(err, cls, format, args);
    va_end(args);
    return false;
}

static bool is_everybodys(int errnum)
{
    return errnum == ENOSPC || errnum == EDQUOT || errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE;
}

bool err_set_errno(Err *err, ErrClass cls, int errnum, const char *format, ...)
{
    if (err == NULL)
        return false;
    va_list args;
    va_start(args, format);
    fill(err, cls == ERR_SKIP && is_everybodys(errnum) ? ERR_STOP : cls, format, args);
    va_end(args);
    err->errnum = errnum;
    char reason[128];
    if (strerror_r(errnum, reason, sizeof reason) != 0)
        return false;
    /* A long path must not push the reason out: the text is cut before it, never inside a character. */
    size_t used = strlen(err->text), room = sizeof err->text - sizeof ": " - strlen(reason);
    if (used > room)
        for (used = room; used > 0 && ((unsigned char)err->text[used] & 0xc0) == 0x80;)
            used--;
    snprintf(err->text + used, sizeof err->text - used, ": %s", reason);
    return false;
}

bool err_no_memory(Err *err)
{
    err_set(err, ERR_STOP, "out of memory");
    return err_remedy(err, REMEDY_LESS_MEMORY);
}

bool err_hint(Err *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    char raw[sizeof err->hint];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    text_escape(err->hint, sizeof err->hint, raw, strlen(raw));
    return false;
}

bool err_remedy(Err *err, ErrRemedy remedy)
{
    if (err != NULL)
        err->remedy = remedy;
    return false;
}

bool err_prefix(Err *err, const char *format, ...)
{
    if (err == NULL)
        return false;
    char raw[512], escaped[640], old[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof raw, format, args);
    va_end(args);
    text_escape(escaped, sizeof escaped, raw, strlen(raw));
    memcpy(old, err->text, sizeof old);
    int used = snprintf(err->text, sizeof err->text, "%s: ", escaped);
    if (used > 0 && (size_t)used < sizeof err->text)
        text_escape(err->text + used, sizeof err->text - (size_t)used, old, strlen(old));
    return false;
}

int err_exit_code(ErrClass cls)
{
    return class_info[cls].exit_code;
}

const char *err_class_name(ErrClass cls)
{
    return class_info[cls].name;
}
