/* parts.h: what the files of this folder share. Private to it. */
#ifndef SCHEMA_TEAM_PARTS_H
#define SCHEMA_TEAM_PARTS_H

#include "schema/revisions.h"

/* "FILE:LINE: " before an error that is about this byte of the text; returns false. */
bool revision_fail_at(const char *file, const char *text, size_t at, Err *err);

/* Reads the comments at the head of a file. */
bool revision_read_header(Revisions *set, const char *file, const char *text, size_t len, Revision *out, Err *err);

/* NULL: it is a good id; else what is wrong with it. */
const char *revision_id_problem(const char *id, size_t len);

bool revision_names_add(RevisionNames *names, const char *name, Err *err);

/* Fills out->checksum from the statements of its upgrade. */
bool revision_sum(const SqlRules *rules, Revision *out, Err *err);

/* Sorts the revisions so that each stands behind all that it follows, and fills `before` and by_id. */
bool revisions_connect(Revisions *set, Err *err);

void revision_free(Revision *revision); /* what is not in the arena */

#endif
