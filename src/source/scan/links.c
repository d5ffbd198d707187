#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/interrupt.h"
#include "base/link.h"

static bool leads_to_directory(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static bool is_named_like_a_model(const Walk *walk)
{
    return rules_match_file(walk->rules, walk->path.data) >= 0 || rules_match_directory(walk->rules, walk->path.data);
}

/* Does a path lead through a folder that is not entered, or to a hidden file? */
static bool is_hidden_path(const Walk *walk, const char *path)
{
    char part[256];
    for (size_t len; !walk->rules->hidden; path += len + 1) {
        len = strcspn(path, "/");
        snprintf(part, sizeof part, "%.*s", len < sizeof part ? (int)len : 0, path);
        if (kinds_is_hidden(part, path[len] == '/' ? ENTRY_DIRECTORY : ENTRY_FILE))
            return true;
        if (path[len] == '\0')
            return false;
    }
    return false;
}

/* Kubernetes (x.joblib -> ..data/x.joblib), git-annex and DVC keep files in hidden folders, and the link is the name that people
 * gave. Several may lead to one file. *taken: the link at walk->path is such a one, and is in the list. */
static bool take_hidden_target(Walk *walk, bool *taken, Err *err)
{
    char real[LINK_PATH_MAX];
    struct stat st;
    int suffix_len = rules_match_file(walk->rules, walk->path.data);
    int target = suffix_len >= 0 ? link_resolve(walk->root, walk->path.data, real) : -1;
    *taken = target >= 0 && fstat(target, &st) == 0 && S_ISREG(st.st_mode) && is_hidden_path(walk, real);
    if (target >= 0)
        close(target);
    if (!*taken)
        return true;
    bool before = walk->in_link;
    walk->in_link = walk->to_hidden = true;
    bool ok = walk_add_file(walk, &st, suffix_len, err);
    walk->in_link = before;
    walk->to_hidden = false;
    return ok;
}

bool links_note(Walk *walk, int dir, const char *name, Err *err)
{
    bool taken = false;
    if (rules_exclude_directory(walk->rules, walk->path.data))
        return true;
    if (rules_select(walk->rules, walk->path.data) && !take_hidden_target(walk, &taken, err))
        return false;
    if (taken)
        return true;
    if (walk->rules->follow_links) {
        const char *path = arena_copy(&walk->arena, walk->path.data, walk->path.len, err);
        const char **link = path == NULL ? NULL : vec_push(&walk->links, err);
        if (link != NULL)
            *link = path;
        return link != NULL;
    }
    /* A link to a directory hides a whole tree, so it is reported whatever its name is. */
    if (!rules_select(walk->rules, walk->path.data) || (!is_named_like_a_model(walk) && !leads_to_directory(dir, name)))
        return true;
    static const char reason[] = "symbolic link, not followed; -L follows links that stay below the models directory";
    return walk_refuse(walk, MODEL_FILE, MODEL_SKIPPED, reason, err);
}

/* link_resolve failed with errnum. Links that neither look like a model nor lead to a directory are of no interest. */
static bool report_unresolved(Walk *walk, int errnum, Err *err)
{
    bool is_named = is_named_like_a_model(walk);
    if (!rules_select(walk->rules, walk->path.data))
        return true;
    switch (errnum) {
    case EXDEV:
        if (!is_named && !leads_to_directory(walk->root, walk->path.data))
            return true;
        return walk_refuse(walk, MODEL_FILE, MODEL_SKIPPED, "symbolic link, not followed: it leads outside the models directory",
                           err);
    case ENOENT:
    case ENOTDIR:
        return !is_named || walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "symbolic link that leads nowhere", err);
    case ELOOP:
        return !is_named || walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "symbolic link that leads in a circle", err);
    default:
        err_set_errno(err, ERR_SKIP, errnum, "symbolic link that cannot be followed");
        return walk_report(walk, MODEL_FILE, err);
    }
}

static bool follow_to_directory(Walk *walk, const char *real, Err *err)
{
    int dir = fs_open_beneath(walk->root, real, O_RDONLY | O_DIRECTORY, false);
    if (dir < 0) {
        err_set_errno(err, ERR_SKIP, errno, "this directory cannot be opened");
        return walk_report_unreadable(walk, err);
    }
    bool ok = walk_directory(walk, dir, 1, err);
    close(dir);
    return ok;
}

/* The symlink at walk->path. */
static bool follow(Walk *walk, Err *err)
{
    char real[LINK_PATH_MAX];
    struct stat st;
    int target = link_resolve(walk->root, walk->path.data, real);
    if (target < 0)
        return report_unresolved(walk, errno, err);
    int failed = fstat(target, &st) != 0 ? errno : 0;
    close(target);
    if (failed != 0)
        return report_unresolved(walk, failed, err);
    if (S_ISDIR(st.st_mode))
        return follow_to_directory(walk, real, err);
    int suffix_len = rules_match_file(walk->rules, walk->path.data);
    if (suffix_len < 0 || !rules_select(walk->rules, walk->path.data))
        return true;
    if (!S_ISREG(st.st_mode))
        return walk_refuse(walk, MODEL_FILE, MODEL_FAILED, "symbolic link to a FIFO, socket or device", err);
    return walk_add_file(walk, &st, suffix_len, err);
}

bool links_follow(Walk *walk, Err *err)
{
    bool ok = true;
    walk->in_link = true;
    /* Directories that are reached by a link can hold further links: they join the end of the queue. */
    for (size_t i = 0; ok && i < walk->links.count; i++) {
        size_t mark;
        ok = interrupt_check(err) && walk_enter(walk, walk->links.items[i], &mark, err) && follow(walk, err);
        if (ok)
            walk_leave(walk, 0);
    }
    return ok;
}
