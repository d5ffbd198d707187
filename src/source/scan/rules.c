#include "parts.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/glob.h"
#include "base/text.h"

static const char glob_chars[] = "*?[]\\";

static const char *last_component(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool ends_with_of_any_case(const char *text, const char *tail)
{
    size_t len = strlen(text), tail_len = strlen(tail);
    return len >= tail_len && strcasecmp(text + len - tail_len, tail) == 0;
}

/* A name that a file got on Windows is often in capitals. Longer ones than any file system has never match. */
static bool matches_of_any_case(const char *glob, const char *path)
{
    char lower_glob[1024], lower_path[4096 + 256];
    size_t glob_len = strlen(glob), path_len = strlen(path);
    if (glob[0] == '*' && strpbrk(glob + 1, glob_chars) == NULL && strchr(glob, '/') == NULL)
        return ends_with_of_any_case(path, glob + 1);
    if (glob_len >= sizeof lower_glob || path_len >= sizeof lower_path)
        return glob_path(glob, path);
    for (size_t i = 0; i <= glob_len; i++)
        lower_glob[i] = (char)tolower((unsigned char)glob[i]);
    for (size_t i = 0; i <= path_len; i++)
        lower_path[i] = (char)tolower((unsigned char)path[i]);
    return glob_path(lower_glob, lower_path);
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
    if (tail != NULL && tail[0] == '.' && ends_with_of_any_case(name, tail))
        return strlen(tail);
    const char *dot = strrchr(name, '.');
    return dot != NULL && dot != name ? strlen(dot) : 0;
}

int rules_match_file(const ScanRules *rules, const char *path)
{
    for (const char *const *glob = rules->patterns; glob != NULL && *glob != NULL; glob++) {
        if (!matches_of_any_case(*glob, path))
            continue;
        size_t len = suffix_length(*glob, path);
        return len <= UINT8_MAX ? (int)len : 0;
    }
    return -1;
}

void rules_note_used(const ScanRules *rules, const char *path, uint64_t *used)
{
    for (size_t i = 0; i < rules->patterns_asked && i < 64; i++)
        if ((*used >> i & 1) == 0 && matches_of_any_case(rules->patterns[i], path))
            *used |= UINT64_C(1) << i;
}

bool rules_match_directory(const ScanRules *rules, const char *path)
{
    return matches_any(rules->dir_patterns, path);
}

bool rules_exclude(const ScanRules *rules, const char *path)
{
    return matches_any(rules->excludes, path);
}

bool rules_select(const ScanRules *rules, const char *path)
{
    bool all = rules->includes == NULL || rules->includes[0] == NULL;
    return (all || matches_any(rules->includes, path)) && !rules_exclude(rules, path);
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

DirType rules_dir_type(unsigned marks, const char *path)
{
    if ((marks & (MARK_TOPICS | MARK_TOPIC_PARTS)) || text_starts_with(last_component(path), "bertopic_model_"))
        return DIR_BERTOPIC;
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
