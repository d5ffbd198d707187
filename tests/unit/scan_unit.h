/* scan_unit.h: a tree to scan, made in a temporary folder, and the scan's result as text. */
#ifndef SCAN_UNIT_H
#define SCAN_UNIT_H

#include "source/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/link.h"
#include "base/text.h"
#include "unit.h"

static int root = -1;
static ModelList list;
static char shown[65536];

static const char *const joblib[] = {"*.joblib", NULL};
static const char *const bertopic[] = {"bertopic_model_*", NULL};
static const ScanRules plain = {.patterns = joblib, .dir_patterns = bertopic};
static const ScanRules following = {.patterns = joblib, .dir_patterns = bertopic, .follow_links = true};

static inline void setup(void)
{
    root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root, 0);
}

static inline void teardown(void)
{
    model_list_free(&list);
    close(root);
    unit_remove_temp();
}

/* Makes the parents of `path`. */
static inline void parents(const char *path)
{
    char part[4096];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        ck_assert(mkdirat(root, part, 0755) == 0 || errno == EEXIST);
    }
}

static inline void put(const char *path, const char *content)
{
    parents(path);
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_msg(fd >= 0, "%s", path);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    ck_assert_int_eq(close(fd), 0);
}

static inline void put_dir(const char *path)
{
    parents(path);
    ck_assert_int_eq(mkdirat(root, path, 0755), 0);
}

static inline void put_link(const char *path, const char *target)
{
    parents(path);
    ck_assert_int_eq(symlinkat(target, root, path), 0);
}

/* The list as text: one line for each model. */
static inline void show(void)
{
    size_t used = 0;
    shown[0] = '\0';
    for (uint32_t i = 0; i < list.count; i++) {
        const Model *model = &list.items[i];
        char line[4096];
        if (model->state != MODEL_PENDING)
            snprintf(line, sizeof line, "%s %s", model_state_name((ModelState)model->state), model->reason);
        else if (model->kind == MODEL_DIRECTORY)
            snprintf(line, sizeof line, "dir %s %s", model->path, model_dir_type_name((DirType)model->dir_type));
        else
            snprintf(line, sizeof line, "file %s -%u", model->path, model->suffix_len);
        int put_now = snprintf(shown + used, sizeof shown - used, "%s%s\n", line, model->followed_link ? " (link)" : "");
        used += (size_t)put_now;
        ck_assert_uint_lt(used, sizeof shown);
        ck_assert_msg(i == 0 || strcmp(list.items[i - 1].path, model->path) < 0, "%s is out of order", model->path);
        ck_assert_msg(model->reason == NULL || text_starts_with(model->reason, model->path), "%s", model->reason);
    }
}

static inline void scan(const ScanRules *rules)
{
    Err err = {0};
    model_list_free(&list);
    ck_ok(scan_tree(root, rules, &list, &err));
    ck_assert_int_eq(err.cls, ERR_NONE);
    show();
}

#define expect(text) ck_assert_str_eq(shown, text)

#endif
