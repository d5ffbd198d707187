/* pickles.c: whose readers call pickle.loads? What they cannot load does not become what they get. */
#include <string.h>

#include "store/pickles.h"
#include "worker.h"

/* Of all names the first, and each that the tree has. */
static bool note_name(void *ctx, const char *name, bool foreign, Err *err)
{
    Run *run = ctx;
    run->pickles.foreign = run->pickles.foreign || foreign;
    if (plan_group(run->plan, name) == PLAN_NO_GROUP || strmap_get(&run->pickles.names, name) != STRMAP_NONE)
        return true;
    const char *copy = arena_copy(&run->pickles.arena, name, strlen(name), err);
    return copy != NULL && strmap_add(&run->pickles.names, copy, 0, NULL, err);
}

void pickles_free(Pickles *pickles)
{
    strmap_free(&pickles->names);
    arena_free(&pickles->arena);
    *pickles = (Pickles){0};
}

bool pickles_ask(Run *run, Err *err)
{
    pickles_free(&run->pickles);
    if (!store_pickles(run->store, note_name, run, err))
        return false;
    run->pickles.wanted = run->settings->payload == PAYLOAD_PICKLE ||
                          (run->settings->payload == PAYLOAD_AUTO && run->pickles.foreign);
    run->summary->plain = run->pickles.wanted;
    run->summary->plain_by_others = run->pickles.wanted && run->settings->payload == PAYLOAD_AUTO;
    return true;
}

bool pickles_are_read(const Run *run, const char *name)
{
    return strmap_get(&run->pickles.names, name) != STRMAP_NONE;
}
