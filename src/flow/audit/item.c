#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "parts.h"

unsigned audit_index(AuditLetter letter)
{
    static const char letters[] = "=+-*!";
    const char *at = strchr(letters, (char)letter);
    return at != NULL ? (unsigned)(at - letters) : 4;
}

void audit_free(Audit *audit)
{
    free(audit->items);
    if (audit->rows != NULL)
        rows_free(audit->rows);
    free(audit->rows);
    arena_free(&audit->arena);
    *audit = (Audit){0};
}

bool audit_reason(Audit *audit, AuditItem *item, AuditLetter letter, const char *text, Err *err)
{
    item->letter = letter;
    item->reason = arena_copy(&audit->arena, text, strlen(text), err);
    return item->reason != NULL;
}

AuditItem *audit_add(Audit *audit, Err *err)
{
    AuditItem *item = vec_push(audit, err);
    if (item != NULL)
        *item = (AuditItem){.model = UINT32_MAX, .version = VERSION_AUTO, .readers_version = VERSION_AUTO};
    return item;
}

void audit_count(Audit *audit)
{
    for (size_t i = 0; i < audit->count; i++) {
        if (audit->items[i].is_older && audit->items[i].letter == AUDIT_ONLY_STORE)
            continue;
        unsigned index = audit_index(audit->items[i].letter);
        audit->counts[index]++;
        audit->bytes[index] += audit->items[i].raw_bytes;
    }
}
