#include "model/identify.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "name.h"

/* Longest first; the first that leaves something before it wins. */
static const struct {
    const char *suffix, *model_type;
} type_suffixes[] = {
    {"_tfidf_vectorizer_classifier_binary", "vectorizer"},
    {"_tfidf_vectorizer_regression", "vectorizer"},
    {"_tfidf_vectorizer_binary", "vectorizer"},
    {"_classifier_binary", "classifier_binary"},
    {"_regression", "regression"},
    {"_vectorizer", "vectorizer"},
    {"_model", "model"},
};

/* The error with the path in front, shortened so that the reason is never cut off. */
static bool refuse(const Model *model, const char *reason, Err *err)
{
    size_t len = strlen(model->path), cut = len;
    if (len > 200)
        for (cut = 200; cut > 0 && ((unsigned char)model->path[cut] & 0xc0) == 0x80;)
            cut--;
    err_set(err, ERR_SKIP, "%.*s%s: %s", (int)cut, model->path, cut < len ? "..." : "", reason);
    return err_hint(err, "rename it, or give it a name and a version in a map");
}

static size_t component_start(const char *text, size_t len)
{
    while (len > 0 && text[len - 1] != '/')
        len--;
    return len;
}

/* Where the name ends and where the digits of the version begin. */
typedef struct Split {
    size_t name_len, digits; /* digits == SIZE_MAX: no version */
} Split;

/* `stem` is the path without the suffix. A version is taken only when a name remains before it. */
static Split split_version(const char *stem, size_t len, bool is_directory)
{
    const Split none = {.name_len = len, .digits = SIZE_MAX};
    size_t start = component_start(stem, len), digits = len;
    while (digits > start && isdigit((unsigned char)stem[digits - 1]))
        digits--;
    if (digits == len)
        return none;
    bool has_parent = start > 0;
    if (digits == start) /* x/3/ */
        return is_directory && has_parent ? (Split){.name_len = start - 1, .digits = digits} : none;
    size_t v = digits - 1;
    if (stem[v] != 'v')
        return none;
    if (v == start) /* x/v3 */
        return has_parent ? (Split){.name_len = start - 1, .digits = digits} : none;
    if (v - 1 > start && strchr("_-.", stem[v - 1]) != NULL) /* x_v3 */
        return (Split){.name_len = v - 1, .digits = digits};
    return none;
}

/* Digits only; leading zeros do not count. */
static bool parse_version(const char *digits, size_t len, int32_t *out)
{
    int64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (digits[i] - '0');
        if (value > INT32_MAX)
            return false;
    }
    *out = (int32_t)value;
    return true;
}

static bool infer_version(const Model *model, const Split *split, size_t stem_len, int32_t *out, Err *err)
{
    *out = VERSION_AUTO;
    if (split->digits == SIZE_MAX || parse_version(model->path + split->digits, stem_len - split->digits, out))
        return true;
    char reason[100];
    size_t digits = stem_len - split->digits;
    snprintf(reason, sizeof reason, "version %.*s%s is too large (at most 2147483647)", digits > 40 ? 40 : (int)digits,
             model->path + split->digits, digits > 40 ? "..." : "");
    return refuse(model, reason, err);
}

/* Type and event follow from the name, whoever gave it. Both fit: they are never longer than the name. */
static void infer_type(const Model *model, Identity *out)
{
    size_t len = strlen(out->name);
    const char *last = out->name + component_start(out->name, len);
    size_t last_len = strlen(last);
    text_copy(out->model_type, sizeof out->model_type, "unknown");
    text_copy(out->event, sizeof out->event, out->name);
    if (model->kind == MODEL_DIRECTORY) {
        if (model->dir_type == DIR_UNKNOWN)
            return;
        text_copy(out->model_type, sizeof out->model_type, model_dir_type_name((DirType)model->dir_type));
        text_copy(out->event, sizeof out->event, last);
        return;
    }
    for (size_t i = 0; i < sizeof type_suffixes / sizeof *type_suffixes; i++) {
        size_t suffix_len = strlen(type_suffixes[i].suffix);
        if (last_len <= suffix_len || !text_ends_with(last, type_suffixes[i].suffix))
            continue;
        text_copy(out->model_type, sizeof out->model_type, type_suffixes[i].model_type);
        text_copy(out->event, sizeof out->event, last);
        out->event[last_len - suffix_len] = '\0';
        return;
    }
}

bool identify(const Model *model, const NameMap *map, Identity *out, Err *err)
{
    const NameMapRow none = {.version = VERSION_AUTO};
    const NameMapRow *row = map != NULL ? name_map_find(map, model->path) : NULL;
    if (row == NULL)
        row = &none;

    size_t path_len = strlen(model->path);
    size_t suffix_len = model->kind == MODEL_FILE && model->suffix_len <= path_len ? model->suffix_len : 0;
    size_t stem_len = path_len - suffix_len;
    Split split = split_version(model->path, stem_len, model->kind == MODEL_DIRECTORY);

    out->version = row->version;
    if (row->version == VERSION_AUTO && !infer_version(model, &split, stem_len, &out->version, err))
        return false;

    const char *name = row->name != NULL ? row->name : model->path;
    size_t name_len = row->name != NULL ? strlen(row->name) : split.name_len;
    const char *problem = name_problem(name, name_len);
    if (problem != NULL) {
        char reason[100];
        snprintf(reason, sizeof reason, "its name %s", problem);
        return refuse(model, reason, err);
    }
    memcpy(out->name, name, name_len);
    out->name[name_len] = '\0';

    infer_type(model, out);
    if (row->model_type != NULL)
        text_copy(out->model_type, sizeof out->model_type, row->model_type);
    if (row->event != NULL)
        text_copy(out->event, sizeof out->event, row->event);
    return true;
}
