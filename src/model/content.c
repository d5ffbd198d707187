#include "model/content.h"

#include <stddef.h>

static ContentKind kind_of_bytes(ContentKind kind)
{
    return kind == CONTENT_UNKNOWN ? CONTENT_FILE : kind;
}

bool content_equal(const Content *a, const Content *b)
{
    return kind_of_bytes(a->kind) == kind_of_bytes(b->kind) && digest_equal(&a->digest, &b->digest) &&
           (a->members == NULL || b->members == NULL || digest_equal(a->members, b->members));
}

bool content_kinds_differ(ContentKind a, ContentKind b)
{
    return a != CONTENT_UNKNOWN && b != CONTENT_UNKNOWN && a != b;
}

const char *content_kind_name(ContentKind kind)
{
    return kind == CONTENT_DIRECTORY ? "directory" : "file";
}
