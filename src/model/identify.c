#include "model/identify.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* Where the name ends, and the digits of the version. */
typedef struct Split {
    size_t name_len, digits, digits_len; /* digits == SIZE_MAX: no version */
} Split;

static Split no_version(size_t len)
{
    return (Split){.name_len = len, .digits = SIZE_MAX};
}

/* `stem` is the path without the suffix. A version is taken only when a name remains before it. separators: before the v. */
static Split split_version(const char *stem, size_t len, bool is_directory, const char *separators)
{
    size_t start = component_start(stem, len), digits = len;
    while (digits > start && isdigit((unsigned char)stem[digits - 1]))
        digits--;
    Split found = {.digits = digits, .digits_len = len - digits};
    if (digits == len)
        return no_version(len);
    bool has_parent = start > 0;
    if (digits == start) { /* x/3/ */
        found.name_len = start - 1;
        return is_directory && has_parent ? found : no_version(len);
    }
    size_t v = digits - 1;
    if (stem[v] != 'v')
        return no_version(len);
    found.name_len = v - 1;
    if (v == start) /* x/v3 */
        return has_parent ? found : no_version(len);
    return v - 1 > start && strchr(separators, stem[v - 1]) != NULL ? found : no_version(len); /* x_v3 */
}

static bool is_one_of(const char *const *words, const char *text, size_t len)
{
    for (; *words != NULL; words++)
        if (strlen(*words) == len && memcmp(*words, text, len) == 0)
            return true;
    return false;
}

/* name/3/model.joblib, name/v3/name.joblib, name:v3/model.ckpt: the folder is the version of a file whose own name says nothing. */
static Split split_folder_version(const char *stem, size_t len)
{
    static const char *const generic[] = {"model",     "pipeline", "estimator",  "classifier",  "regressor",
                                          "weights",   "checkpoint", "saved_model", NULL};
    size_t start = component_start(stem, len);
    if (start < 2)
        return no_version(len);
    Split split = split_version(stem, start - 1, true, ":");
    if (split.digits == SIZE_MAX)
        return no_version(len);
    size_t name_start = component_start(stem, split.name_len), name_len = split.name_len - name_start;
    bool same = name_len == len - start && memcmp(stem + name_start, stem + start, name_len) == 0;
    return same || is_one_of(generic, stem + start, len - start) ? split : no_version(len);
}

/* 20240115: a folder of that name is a day, not a version. */
static bool is_day(const char *digits, size_t len)
{
    if (len != 8 || (memcmp(digits, "19", 2) != 0 && memcmp(digits, "20", 2) != 0))
        return false;
    int month = (digits[4] - '0') * 10 + digits[5] - '0', day = (digits[6] - '0') * 10 + digits[7] - '0';
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* 2024/01 and 2024/01/15 are a month and a day. `len`: of what is before the last slash. */
static bool is_below_year(const char *stem, size_t len)
{
    size_t start = component_start(stem, len), digits = strspn(stem + start, "0123456789");
    if (start + digits < len)
        return false;
    if (digits <= 2 && start > 0)
        return is_below_year(stem, start - 1);
    return digits == 4 && (strncmp(stem + start, "19", 2) == 0 || strncmp(stem + start, "20", 2) == 0);
}

/* What may stand between the word and the version: 50, _, -L6. */
static bool is_of_architecture(const char *rest, size_t len)
{
    size_t size = len >= 3 && strchr("-_", rest[0]) != NULL && isalpha((unsigned char)rest[1]) ? 2 : 0;
    for (size_t i = size; i < len; i++)
        if (!isdigit((unsigned char)rest[i]) && (size > 0 || strchr("-_", rest[i]) == NULL))
            return false;
    return len <= 6;
}

/* Architectures whose number is a part of their name: mobilenet_v2, inception_v3, resnet50_v2, all-MiniLM-L6-v2. */
static bool ends_in_architecture(const char *name, size_t len)
{
    static const char *const known[] = {"mobilenet", "inception", "xception", "efficientnet", "resnet",  "densenet",
                                        "squeezenet", "shufflenet", "nasnet",  "deberta",      "albert",  "minilm",
                                        "mpnet",     "distilroberta", "roberta", "yolo",       "swin",    "dino",
                                        "convnext",  "regnet",    "whisper",   "llama",        "vgg",     NULL};
    size_t start = component_start(name, len);
    for (size_t i = start; i < len; i++) {
        if (i > start && isalnum((unsigned char)name[i - 1]))
            continue;
        for (size_t k = 0; known[k] != NULL; k++) {
            size_t word = strlen(known[k]);
            if (len - i >= word && strncasecmp(name + i, known[k], word) == 0 &&
                is_of_architecture(name + i + word, len - i - word))
                return true;
        }
    }
    return false;
}

/* Does the number belong to the name all the same? */
static bool is_part_of_name(const Model *model, const Split *split)
{
    const char *stem = model->path;
    size_t v = split->digits - 1;
    if (split->digits == 0 || stem[v] != 'v')
        return is_day(stem + split->digits, split->digits_len) || is_below_year(stem, split->name_len);
    if (v == 0 || strchr("_-.", stem[v - 1]) == NULL)
        return false;
    /* The hubs name what they give out so: e5-base-v2. */
    DirType type = (DirType)model->dir_type;
    bool from_hub = type == DIR_SENTENCE_TRANSFORMERS || type == DIR_TRANSFORMERS || type == DIR_DIFFUSERS || type == DIR_PEFT;
    return (model->kind == MODEL_DIRECTORY && stem[v - 1] == '-' && from_hub) || ends_in_architecture(stem, split->name_len);
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

static size_t stem_length(const Model *model)
{
    size_t path_len = strlen(model->path);
    return path_len - (model->kind == MODEL_FILE && model->suffix_len <= path_len ? model->suffix_len : 0);
}

/* A number that no version can be, such as a time in milliseconds, belongs to the name, unless the map gives the version. */
static Split split_path(const Model *model, bool version_given, int32_t *version)
{
    size_t len = stem_length(model);
    Split split = split_version(model->path, len, model->kind == MODEL_DIRECTORY, "_-.:");
    if (split.digits == SIZE_MAX && model->kind == MODEL_FILE)
        split = split_folder_version(model->path, len);
    *version = VERSION_AUTO;
    if (split.digits == SIZE_MAX ||
        (!is_part_of_name(model, &split) &&
         (parse_version(model->path + split.digits, split.digits_len, version) || version_given)))
        return split;
    return no_version(len);
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

static bool take_name(const Model *model, const char *name, size_t len, Identity *out, Err *err)
{
    const char *problem = name_problem(name, len);
    if (problem != NULL) {
        char reason[100];
        snprintf(reason, sizeof reason, "its name %s", problem);
        return refuse(model, reason, err);
    }
    memcpy(out->name, name, len);
    out->name[len] = '\0';
    return true;
}

bool identify(const Model *model, const NameMap *map, Identity *out, Err *err)
{
    const NameMapRow none = {.version = VERSION_AUTO};
    const NameMapRow *row = map != NULL ? name_map_find(map, model->path) : NULL;
    char given[4 * STORE_NAME_MAX + 1];
    if (row == NULL)
        row = &none;
    Split split = split_path(model, row->version != VERSION_AUTO, &out->version);
    if (row->version != VERSION_AUTO)
        out->version = row->version;
    if (row->name != NULL && !name_map_expand(row, model->path, stem_length(model), given, sizeof given))
        return refuse(model, "its name in the map becomes too long", err);
    if (!(row->name != NULL ? take_name(model, given, strlen(given), out, err)
                            : take_name(model, model->path, split.name_len, out, err)))
        return false;
    infer_type(model, out);
    if (row->model_type != NULL)
        text_copy(out->model_type, sizeof out->model_type, row->model_type);
    if (row->event != NULL)
        text_copy(out->event, sizeof out->event, row->event);
    return true;
}

bool identify_earlier(const Model *model, const NameMap *map, Identity *out)
{
    const NameMapRow *row = map != NULL ? name_map_find(map, model->path) : NULL;
    size_t len = stem_length(model);
    if (row != NULL && row->name != NULL)
        return false;
    Split split = split_version(model->path, len, model->kind == MODEL_DIRECTORY, "_-.");
    out->version = row != NULL ? row->version : VERSION_AUTO;
    if (out->version == VERSION_AUTO && split.digits != SIZE_MAX &&
        !parse_version(model->path + split.digits, split.digits_len, &out->version))
        return false;
    return take_name(model, model->path, split.name_len, out, NULL);
}
