#include "team.h"

#include "store/database.h"

bool team_load(const CommandContext *context, Revisions *out, Err *err)
{
    const StoreTraits *traits = store_traits(context->retry.target);
    return revisions_load(context->options->migrations, traits->dialect, database_sql_rules(context->retry.target), out, err);
}

bool team_line(const Revisions *set, uint32_t index, Buf *down, RevisionLine *out, Err *err)
{
    const Revision *revision = &set->items[index];
    size_t children = revisions_children(set, index);
    buf_clear(down);
    bool ok = buf_text(down, "", err);
    for (size_t i = 0; ok && i < revision->parents.count; i++)
        ok = buf_format(down, err, "%s%s", i > 0 ? ", " : "", revision->parents.items[i]);
    *out = (RevisionLine){.id = revision->id,
                          .message = revision->message,
                          .file = revision->file,
                          .down = down->data,
                          .is_head = children == 0,
                          .is_branchpoint = children > 1,
                          .is_mergepoint = revision->parents.count > 1};
    return ok;
}
