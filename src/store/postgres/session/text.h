/* text.h: names and notes in the forms that the server takes. */
#ifndef STORE_POSTGRES_SESSION_TEXT_H
#define STORE_POSTGRES_SESSION_TEXT_H

#include "../postgres.h"

/* Appends an element of an array literal, and a whole text[] literal. */
bool postgres_text_element(Buf *out, const char *text, Err *err);
bool postgres_text_array(Buf *out, const char *const *names, size_t count, Err *err);

/* A note about a row or a run, so that any database takes it: bytes that are not UTF-8 are escaped, and all that are not ASCII
 * where the encoding is another one. malloc'd, NULL = no memory. */
char *postgres_note(const Postgres *pg, const char *text);

#endif
