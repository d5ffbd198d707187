#include "port/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/text.h"

struct JsonLine {
    json_t *object;
    bool failed; /* memory ended in one of the calls */
};

/* Takes `value`. */
static void set(JsonLine *line, const char *key, json_t *value)
{
    if (line == NULL)
        json_decref(value);
    else if (value == NULL || json_object_set_new(line->object, key, value) != 0)
        line->failed = true;
}

JsonLine *json_line_begin(const char *type)
{
    JsonLine *line = calloc(1, sizeof *line);
    if (line == NULL)
        return NULL;
    line->object = json_object();
    if (line->object == NULL) {
        free(line);
        return NULL;
    }
    json_line_string(line, "type", type);
    return line;
}

/* NULL when memory ends. */
static json_t *escaped_string(const char *value)
{
    size_t len = strlen(value), cap = 4 * len + 1;
    char *text = malloc(cap);
    if (text == NULL)
        return NULL;
    text_escape(text, cap, value, len);
    json_t *string = json_string(text);
    free(text);
    return string;
}

void json_line_string(JsonLine *line, const char *key, const char *value)
{
    if (value == NULL)
        set(line, key, json_null());
    else
        set(line, key, text_utf8_valid(value, strlen(value)) ? json_string(value) : escaped_string(value));
}

void json_line_int(JsonLine *line, const char *key, int64_t value)
{
    set(line, key, json_integer(value));
}

void json_line_real(JsonLine *line, const char *key, double value)
{
    bool finite = value - value == 0;
    /* Beyond 2^43 thousandths do not matter, and the product still fits 64 bits below it. */
    if (finite && value > -8e12 && value < 8e12)
        value = (double)(int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5)) / 1000;
    set(line, key, finite ? json_real(value) : json_null());
}

void json_line_bool(JsonLine *line, const char *key, bool value)
{
    set(line, key, json_boolean(value));
}

/* `text` with its deceptive characters as \uXXXX, which says the same to a program; takes text, malloc'd. NULL without memory. */
static char *escape_deceptive(char *text, size_t len)
{
    size_t found = 0, used = 0;
    for (size_t i = 0; i < len; i++)
        found += text_deceptive(text + i, len - i) > 0;
    if (found == 0)
        return text;
    char *out = malloc(len + 6 * found + 1);
    for (size_t i = 0, step; out != NULL && i < len; i += step) {
        step = text_deceptive(text + i, len - i);
        if (step > 0) {
            const unsigned char *u = (const unsigned char *)text + i;
            unsigned code = step == 3 ? 0x2000U | (u[1] & 0x3fU) << 6 | (u[2] & 0x3fU) : 0x061cU;
            used += (size_t)snprintf(out + used, 7, "\\u%04x", code);
        } else {
            step = 1;
            out[used++] = text[i];
        }
    }
    if (out != NULL)
        out[used] = '\0';
    free(text);
    return out;
}

/* Not by json_dumps: it leaves out a key for which it gets no memory, and goes on. */
static char *dump(const json_t *object)
{
    size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(15), len = json_dumpb(object, NULL, 0, flags);
    char *text = len > 0 ? malloc(len + 1) : NULL;
    if (text == NULL)
        return NULL;
    if (json_dumpb(object, text, len, flags) != len) {
        free(text);
        return NULL;
    }
    text[len] = '\0';
    return escape_deceptive(text, len);
}

void json_line_drop(JsonLine *line)
{
    if (line != NULL)
        json_decref(line->object);
    free(line);
}

/* The text, malloc'd; frees the line. NULL when memory ended at any time. */
static char *finish(JsonLine *line)
{
    if (line == NULL)
        return NULL;
    char *text = line->failed ? NULL : dump(line->object);
    json_decref(line->object);
    free(line);
    return text;
}

bool json_line_end(JsonLine *line, FILE *out, Err *err)
{
    char *text = finish(line);
    if (text == NULL)
        return err_no_memory(err);
    bool ok = fprintf(out, "%s\n", text) >= 0 && fflush(out) == 0;
    if (!ok)
        err_set_errno(err, ERR_STOP, errno, "cannot write the JSON output");
    free(text);
    return ok;
}

bool json_line_append(JsonLine *line, Buf *out, Err *err)
{
    char *text = finish(line);
    if (text == NULL)
        return err_no_memory(err);
    bool ok = buf_text(out, text, err);
    free(text);
    return ok;
}

void json_line_library(char *out, size_t cap)
{
    snprintf(out, cap, "jansson %s", jansson_version_str());
}
