#include "parts.h"

#include <string.h>

#include "base/glob.h"
#include "base/text.h"

static const char glob_chars[] = "*?[]\\";

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* glob_path, quick for the usual `*.suffix`: the matcher would take most of the time of a large folder. */
static bool matches(const char *glob, const char *path)
{
    if (glob[0] == '*' && strpbrk(glob + 1, glob_chars) == NULL && strchr(glob, '/') == NULL)
        return text_ends_with(path, glob + 1);
    return glob_path(glob, path);
}

static bool matches_any(const char *const *globs, const char *path)
{
    for (; globs != NULL && *globs != NULL; globs++)
        if (matches(*globs, path))
            return true;
    return false;
}

/* The literal end of the pattern, NULL when it ends in a glob. */
static const char *literal_tail(const char *glob)
{
    const char *tail = glob;
    for (const char *c = glob; *c != '\0'; c++)
        if (strchr(glob_chars, *c) != NULL)
            tail = c + 1;
    return *tail != '\0' ? tail : NULL;
}

/* A tail that begins with a dot is the suffix (`*.tar.gz`). Of any other (`*_model.joblib`, `final.joblib`) only the last extension
 * is: the rest belongs to the name. */
static size_t suffix_length(const char *glob, const char *path)
{
    const char *name = last_component(path);
    const char *tail = literal_tail(glob);
    if (tail != NULL && tail[0] == '.' && text_ends_with(name, tail))
        return strlen(tail);
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot != name ? strlen(dot) : 0;
}

int rules_match_file(const ScanRules *rules, const char *path)
{
    for (const char *const *glob = rules->patterns; glob != NULL && *glob != NULL; glob++) {
        if (!matches(*glob, path))
            continue;
        size_t len = suffix_length(*glob, path);
        return len <= UINT8_MAX ? (int)len : 0;
    }
    return -1;
}

bool rules_match_directory(const ScanRules *rules, const char *path)
{
    return matches_any(rules->dir_patterns, path);
}

bool rules_select(const ScanRules *rules, const char *path)
{
    bool all = rules->includes == NULL || rules->includes[0] == NULL;
    return (all || matches_any(rules->includes, path)) && !matches_any(rules->excludes, path);
}

/* `old/` names a directory to everyone who has used rsync or git. */
static bool matches_with_slash(const char *glob, const char *path)
{
    char bare[256];
    size_t len = strlen(glob);
    if (len < 2 || glob[len - 1] != '/' || len > sizeof bare)
        return false;
    memcpy(bare, glob, len - 1);
    bare[len - 1] = '\0';
    return matches(bare, path);
}

bool rules_exclude_directory(const ScanRules *rules, const char *path)
{
    for (const char *const *glob = rules->excludes; glob != NULL && *glob != NULL; glob++)
        if (matches(*glob, path) || matches_with_slash(*glob, path))
            return true;
    return false;
}

bool rules_is_marked(unsigned marks)
{
    const unsigned enough = MARK_MLMODEL | MARK_SAVED_MODEL | MARK_MODULES | MARK_TOPICS;
    const unsigned pair = MARK_CONFIG | MARK_WEIGHTS;
    return (marks & enough) != 0 || (marks & pair) == pair;
}

DirType rules_dir_type(unsigned marks, const char *path)
{
    /* MLflow wraps the other kinds; a BERTopic directory holds a config.json and *.safetensors too. */
    if (marks & MARK_MLMODEL)
        return DIR_MLFLOW;
    if ((marks & (MARK_TOPICS | MARK_TOPIC_PARTS)) || text_starts_with(last_component(path), "bertopic_model_"))
        return DIR_BERTOPIC;
    if (marks & MARK_SAVED_MODEL)
        return DIR_TENSORFLOW;
    if (marks & MARK_MODULES)
        return DIR_SENTENCE_TRANSFORMERS;
    return (marks & MARK_CONFIG) && (marks & MARK_WEIGHTS) ? DIR_TRANSFORMERS : DIR_UNKNOWN;
}

const char *rules_leftover_reason(const char *name)
{
    static const char removal[] = ".cleanup-", unpack[] = ".restore-";
    size_t len = strlen(name);
    const char *digits = len > 16 ? name + len - 16 : "";
    if (name[0] != '.' || strspn(digits, "0123456789abcdef") != 16)
        return NULL;
    if (digits - name == (ptrdiff_t)sizeof removal - 1 && text_starts_with(name, removal))
        return "a clean-up was cut off here; its model is stored; apply the same plan again, then remove what is left";
    if (digits - name > (ptrdiff_t)sizeof unpack - 1 && memcmp(digits - sizeof unpack + 1, unpack, sizeof unpack - 1) == 0)
        return "a get was cut off here; remove it and get the model again";
    return NULL;
}
