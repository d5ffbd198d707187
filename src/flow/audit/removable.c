/* removable.c: of what is proven, what stands against its removal, and what nobody would get back. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/interrupt.h"
#include "base/text.h"
#include "base/vec.h"
#include "flow/audit_report.h"
#include "parts.h"
#include "source/loss.h"
#include "source/removal.h"

/* Names of members may hold anything. */
static bool keep_text(Audit *audit, const Buf *text, const char **out, Err *err)
{
    Buf shown = {0};
    bool ok = buf_reserve(&shown, 4 * text->len + 1, err);
    if (ok)
        text_escape(shown.data, shown.cap, text->data, text->len);
    *out = ok ? arena_copy(&audit->arena, shown.data, strlen(shown.data), err) : NULL;
    buf_free(&shown);
    return *out != NULL;
}

/* A link of the tree that is no source: where it leads. */
typedef struct Link {
    dev_t dev;
    ino_t ino;
    const char *path;
} Link;

typedef VEC(Link) Links;

static bool note_links(const SourceTree *tree, Links *links, Err *err)
{
    for (uint32_t i = 0; i < tree->models->count; i++) {
        const Model *model = &tree->models->items[i];
        struct stat st;
        if (model->state != MODEL_SKIPPED || fstatat(tree->root, model->path, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISLNK(st.st_mode) || fstatat(tree->root, model->path, &st, 0) != 0)
            continue;
        Link *added = vec_push(links, err);
        if (added == NULL)
            return false;
        *added = (Link){.dev = st.st_dev, .ino = st.st_ino, .path = model->path};
    }
    return true;
}

static int by_target(const void *a, const void *b)
{
    const Link *x = a, *y = b;
    return x->dev != y->dev ? (x->dev > y->dev) - (x->dev < y->dev) : (x->ino > y->ino) - (x->ino < y->ino);
}

/* What leads to the source would lead nowhere. */
static bool note_link(Audit *audit, const Links *links, const Model *model, AuditItem *item, Err *err)
{
    Link key = {.dev = model->stamp.dev, .ino = model->stamp.ino};
    const Link *link = links->count > 0 ? bsearch(&key, links->items, links->count, sizeof key, by_target) : NULL;
    Buf text = {0};
    if (link == NULL)
        return true;
    bool ok = buf_format(&text, err, "%s%sthe symbolic link %s leads to it, and would lead nowhere",
                         item->note != NULL ? item->note : "", item->note != NULL ? "; " : "", link->path) &&
              keep_text(audit, &text, &item->note, err);
    buf_free(&text);
    return ok;
}

static bool look_at(Audit *audit, const SourceTree *tree, const Links *links, AuditItem *item, Err *err)
{
    const Model *model = &tree->models->items[item->model];
    char why[OBSTACLE_BYTES];
    Buf text = {0};
    bool ok;
    if (model->followed_link) {
        item->stays = "it is reached through a symbolic link";
        return true;
    }
    if (!note_link(audit, links, model, item, err))
        return false;
    if (removal_obstacle(tree->root, model->path, model->kind == MODEL_DIRECTORY, &item->stamp, why)) {
        ok = buf_text(&text, why, err) && keep_text(audit, &text, &item->stays, err);
    } else {
        Buf loss = {0};
        ok = loss_describe(tree->root, model, &loss, err) &&
             (loss.len == 0 || (buf_format(&text, err, "%s%sget does not bring back: %s", item->note != NULL ? item->note : "",
                                           item->note != NULL ? "; " : "", loss.data) &&
                                keep_text(audit, &text, &item->note, err)));
        buf_free(&loss);
    }
    buf_free(&text);
    return ok;
}

bool audit_look_at_removable(Audit *audit, const SourceTree *tree, Err *err)
{
    Links links = {0};
    bool ok = note_links(tree, &links, err);
    if (links.count > 0)
        qsort(links.items, links.count, sizeof *links.items, by_target);
    for (size_t i = 0; ok && i < audit->count; i++) {
        AuditItem *item = &audit->items[i];
        if (item->model == UINT32_MAX || audit_must_stay(item) != NULL)
            continue;
        ok = interrupt_check(err) && look_at(audit, tree, &links, item, err);
    }
    free(links.items);
    return ok && interrupt_check(err);
}
