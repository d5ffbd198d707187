/* removable.c: of what is proven, what stands against its removal, and what nobody would get back. */
#include <string.h>

#include "base/interrupt.h"
#include "base/text.h"
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

static bool look_at(Audit *audit, const SourceTree *tree, AuditItem *item, Err *err)
{
    const Model *model = &tree->models->items[item->model];
    char why[OBSTACLE_BYTES];
    Buf text = {0};
    bool ok;
    if (removal_obstacle(tree->root, model->path, model->kind == MODEL_DIRECTORY, why)) {
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
    for (size_t i = 0; i < audit->count; i++) {
        AuditItem *item = &audit->items[i];
        if (item->model == UINT32_MAX || audit_must_stay(item) != NULL)
            continue;
        if (!interrupt_check(err) || !look_at(audit, tree, item, err))
            return false;
    }
    return interrupt_check(err);
}
