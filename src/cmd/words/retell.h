/* retell.h: a command line that follows from the one that was given, so that the user can copy it into a shell. */
#ifndef CMD_WORDS_RETELL_H
#define CMD_WORDS_RETELL_H

#include "../options.h"
#include "base/buf.h"

/* Appends the program, `words`, the options of the command line but those in `without` (names, up to NULL), and the arguments,
 * quoted where a shell needs it. An address with a password is left out; a comment at the end says so. ERR_STOP: no memory. */
bool retell(const Options *options, const char *words, const char *const *without, Buf *out, Err *err);

/* Appends a blank and the word, quoted where a shell needs it. */
bool retell_word(const char *word, Buf *out, Err *err);

#endif
