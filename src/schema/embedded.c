#include "embedded.h"

#include <string.h>

#include "sql.h"

bool revision_file(const char *dialect, size_t index, RevisionFile *out)
{
    for (const EmbeddedRevision *revision = embedded_revisions; revision->dialect != NULL; revision++) {
        if (strcmp(revision->dialect, dialect) != 0 || index-- > 0)
            continue;
        *out = (RevisionFile){revision->file, revision->text, revision->sha256};
        return true;
    }
    return false;
}

const char *embedded_query(const char *dialect, const char *name)
{
    for (const EmbeddedQuery *query = embedded_queries; query->dialect != NULL; query++)
        if (strcmp(query->dialect, dialect) == 0 && strcmp(query->name, name) == 0)
            return query->text;
    return NULL;
}
