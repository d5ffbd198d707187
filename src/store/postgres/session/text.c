#include "text.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Quoted, with a backslash before quotes and backslashes. */
bool postgres_text_element(Buf *out, const char *text, Err *err)
{
    bool ok = buf_text(out, "\"", err);
    for (; ok && *text != '\0'; text++)
        ok = (strchr("\"\\", *text) == NULL || buf_append(out, "\\", 1, err)) && buf_append(out, text, 1, err);
    return ok && buf_text(out, "\"", err);
}

bool postgres_text_array(Buf *out, const char *const *names, size_t count, Err *err)
{
    bool ok = buf_text(out, "{", err);
    for (size_t i = 0; ok && i < count; i++)
        ok = (i == 0 || buf_text(out, ",", err)) && postgres_text_element(out, names[i], err);
    return ok && buf_text(out, "}", err);
}

/* Not ASCII: `\xHH`. */
static void escape_bytes(char *out, const char *s)
{
    static const char digits[] = "0123456789abcdef";
    for (; *s != '\0'; s++) {
        unsigned char byte = (unsigned char)*s;
        if (byte < 0x80) {
            *out++ = *s;
            continue;
        }
        *out++ = '\\';
        *out++ = 'x';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    *out = '\0';
}

char *postgres_note(const Postgres *pg, const char *text)
{
    size_t len = strlen(text), cap = 4 * len + 1;
    char *out = malloc(cap);
    if (out == NULL)
        return NULL;
    if (pg->ascii_notes)
        escape_bytes(out, text);
    else if (text_utf8_valid(text, len))
        memcpy(out, text, len + 1);
    else
        text_escape(out, cap, text, len);
    return out;
}
