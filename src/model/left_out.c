#include "model/left_out.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define KINDS_MAX 64

/* What compresses another suffix, and what models are kept in. */
static const char *const compressed[] = {"gz", "bz2", "xz", "z", "zst", "lz4", "lzma", NULL};
static const char *const models[] = {"joblib", "jbl", "pkl", "pickle", "sav", "pk", "p", "dill", "cloudpickle", "skops", "onnx",
                                     "h5", "hdf5", "keras", "pt", "pth", "ckpt", "safetensors", "bin", "cbm", "lgb", "ubj", "pmml",
                                     "tflite", "npz", "model", "bt", "gguf", "mlmodel", "msgpack", "zip", "tar", NULL};

static bool is_one_of(const char *const *words, const char *word, size_t len)
{
    for (; *words != NULL; words++)
        if (strlen(*words) == len && memcmp(*words, word, len) == 0)
            return true;
    return false;
}

/* Where the last suffix of `name` begins, which ends at `len`; -1 = it has none that is a word. */
static ptrdiff_t suffix_start(const char *name, size_t len)
{
    size_t start = len;
    while (start > 0 && isalnum((unsigned char)name[start - 1]))
        start--;
    return start > 1 && start < len && len - start <= 12 && name[start - 1] == '.' ? (ptrdiff_t)start - 1 : -1;
}

const char *left_out_pattern(char out[32], const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t len = strlen(name);
    char lower[16];
    out[0] = '\0';
    ptrdiff_t start = suffix_start(name, len), before;
    if (start < 0)
        return out;
    for (size_t i = 0; i <= len - (size_t)start - 1; i++)
        lower[i] = (char)tolower((unsigned char)name[(size_t)start + 1 + i]);
    if (is_one_of(compressed, lower, strlen(lower)) && (before = suffix_start(name, (size_t)start)) >= 0)
        start = before;
    out[0] = '*';
    for (size_t i = 0; i <= len - (size_t)start; i++)
        out[1 + i] = (char)tolower((unsigned char)name[(size_t)start + i]);
    return out;
}

bool left_out_may_be_models(const char *pattern)
{
    const char *suffix = text_starts_with(pattern, "*.") ? pattern + 2 : "";
    return is_one_of(models, suffix, strcspn(suffix, "."));
}

static bool count_kind(LeftOut *out, const char *pattern, Err *err)
{
    if (out->kinds.count >= KINDS_MAX)
        pattern = "other";
    for (size_t i = 0; i < out->kinds.count; i++) {
        if (strcmp(out->kinds.items[i].pattern, pattern) == 0) {
            out->kinds.items[i].count++;
            return true;
        }
    }
    const char *copy = arena_copy(&out->arena, pattern, strlen(pattern), err);
    LeftOutKind *kind = copy != NULL ? vec_push(&out->kinds, err) : NULL;
    if (kind != NULL)
        *kind = (LeftOutKind){.pattern = copy, .count = 1};
    return kind != NULL;
}

static bool keep_path(LeftOut *out, const char *path, Err *err)
{
    const char *copy = arena_copy(&out->arena, path, strlen(path), err);
    const char **kept = copy != NULL ? vec_push(&out->paths, err) : NULL;
    if (kept != NULL)
        *kept = copy;
    return kept != NULL;
}

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

bool left_out_file(LeftOut *out, const char *path, bool is_pickle, Err *err)
{
    char pattern[32];
    left_out_pattern(pattern, path);
    const char *kind = pattern[0] != '\0' ? pattern
                       : is_pickle        ? "pickle without suffix"
                       : strchr(last_component(path) + 1, '.') == NULL ? "without suffix" : "other";
    out->files++;
    return count_kind(out, kind, err) && (!out->keep_paths || keep_path(out, path, err));
}

bool left_out_hidden(LeftOut *out, const char *path, Err *err)
{
    size_t number = out->hidden < LEFT_OUT_EXAMPLES ? (size_t)out->hidden : LEFT_OUT_EXAMPLES;
    out->hidden++;
    if (number == LEFT_OUT_EXAMPLES)
        return true;
    out->hidden_examples[number] = arena_copy(&out->arena, path, strlen(path), err);
    return out->hidden_examples[number] != NULL;
}

bool left_out_note(LeftOut *out, Err *err, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_copy(&out->arena, text, strlen(text), err);
    const char **kept = copy != NULL ? vec_push(&out->notes, err) : NULL;
    if (kept != NULL)
        *kept = copy;
    return kept != NULL;
}

static int by_count(const void *a, const void *b)
{
    const LeftOutKind *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->pattern, y->pattern);
}

void left_out_sort(LeftOut *out)
{
    if (out->kinds.count > 0)
        qsort(out->kinds.items, out->kinds.count, sizeof *out->kinds.items, by_count);
}

void left_out_free(LeftOut *out)
{
    free(out->kinds.items);
    free(out->paths.items);
    free(out->notes.items);
    arena_free(&out->arena);
    *out = (LeftOut){0};
}
