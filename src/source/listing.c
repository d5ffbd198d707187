#include "listing.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "scan/parts.h"

/* One component of a path. */
static const struct {
    const char *begin, *end; /* "" = anything; both together are the whole name when `whole` */
    bool whole;
    bool is_worthless; /* made by a system without being asked, and made again */
} junk[] = {
    {".DS_Store", "", true, true},
    {"._", "", false, true}, /* AppleDouble */
    {"__MACOSX", "", true, true},
    {".AppleDouble", "", true, true},
    {"Thumbs.db", "", true, true},
    {"ehthumbs.db", "", true, true},
    {"desktop.ini", "", true, true},
    {".directory", "", true, true},
    {"@eaDir", "", true, true},
    {"__pycache__", "", true, true},
    {".ipynb_checkpoints", "", true, false},
    {".git", "", true, false},
    {".svn", "", true, false},
    {".hg", "", true, false},
    {".nfs", "", false, false}, /* removed, and still open on some host */
    {".fuse_hidden", "", false, false},
    {"", "~", false, false},
    {".", ".swp", false, false},
    {".", ".swo", false, false},
    {".#", "", false, false}, /* locks of Emacs: links that lead nowhere */
    {".Trash-", "", false, false},
};

/* NULL when the component is none of them. */
static const bool *find_junk(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
        size_t begin = strlen(junk[i].begin), end = strlen(junk[i].end);
        if (len < begin + end || (junk[i].whole && len != begin + end))
            continue;
        if (memcmp(name, junk[i].begin, begin) == 0 && memcmp(name + len - end, junk[i].end, end) == 0)
            return &junk[i].is_worthless;
    }
    return NULL;
}

/* What a download of the Hugging Face hub notes beside the files. */
static bool is_cache_of_hub(const char *path)
{
    static const char cache[] = ".cache/huggingface";
    return text_ends_with(path, cache) && (strlen(path) == sizeof cache - 1 || path[strlen(path) - sizeof cache] == '/');
}

typedef struct Listing {
    const char *path; /* of the model */
    int dir;
    const ScanRules *rules;
} Listing;

/* By what it holds, DIR_UNKNOWN when that says nothing. */
static DirType kind_of(int dir, const ScanRules *rules)
{
    Entries entries = {0};
    DirType type = DIR_UNKNOWN;
    bool holds_models = false;
    if (!entries_read(dir, &entries, NULL))
        return DIR_UNKNOWN;
    for (size_t i = 0; rules != NULL && i < entries.count; i++)
        holds_models |= entry_type(entries.names[i]) == ENTRY_FILE && rules_match_file(rules, entries.names[i]) >= 0;
    if (!kinds_find(dir, entries.marks, holds_models, &type))
        type = DIR_UNKNOWN;
    entries_free(&entries);
    return type;
}

static const char checkpoint[] = "checkpoint-";

bool listing_is_checkpoint(int dir, const char *name, const ScanRules *rules)
{
    size_t digits = text_starts_with(name, checkpoint) ? strspn(name + sizeof checkpoint - 1, "0123456789") : 0;
    if (digits == 0 || name[sizeof checkpoint - 1 + digits] != '\0')
        return false;
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DirType own = fd >= 0 ? kind_of(fd, rules) : DIR_UNKNOWN;
    bool is = (own == DIR_TRANSFORMERS || own == DIR_PEFT) && kind_of(dir, rules) == DIR_TRANSFORMERS;
    if (fd >= 0)
        close(fd);
    return is;
}

static bool is_excluded(const Listing *listing, const char *member, bool is_directory)
{
    char path[2 * 4096];
    if (listing->rules == NULL || listing->rules->excludes == NULL || listing->rules->excludes[0] == NULL)
        return false;
    int len = snprintf(path, sizeof path, "%s/%s", listing->path, member);
    if (len >= (int)sizeof path)
        return false;
    return is_directory ? rules_exclude_directory(listing->rules, path) : rules_exclude(listing->rules, path);
}

static TreeVerdict judge(const void *ctx, const char *path, bool is_directory)
{
    const Listing *listing = ctx;
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (is_excluded(listing, path, is_directory))
        return TREE_LEAVE;
    if (is_directory && slash == NULL && listing_is_checkpoint(listing->dir, path, listing->rules))
        return TREE_JUNK;
    if (listing->rules != NULL && listing->rules->hidden)
        return TREE_TAKE;
    if (find_junk(name, strlen(name)) != NULL || is_cache_of_hub(path))
        return TREE_JUNK;
    return is_directory && strcmp(name, ".cache") == 0 ? TREE_JUNK_IF_NO_MORE : TREE_TAKE;
}

bool listing_read(int root, const char *path, int dir, const ScanRules *rules, unsigned flags, TreeList *out,
                  Err *err)
{
    Listing listing = {.path = path, .dir = dir, .rules = rules};
    TreeRules by = {.flags = flags, .judge = judge, .ctx = &listing, .link_root = root, .link_path = path};
    if (rules != NULL && rules->follow_links)
        by.flags |= TREE_FOLLOW_LINKS;
    return tree_list_by(dir, &by, out, err);
}

bool listing_is_worthless(const char *path)
{
    for (const char *name = path; *name != '\0';) {
        size_t len = strcspn(name, "/");
        const bool *worthless = find_junk(name, len);
        if (worthless != NULL)
            return *worthless;
        name += len + (name[len] == '/');
    }
    return !text_starts_with(path, checkpoint); /* else the cache of the hub, and the folder that holds nothing but it */
}
