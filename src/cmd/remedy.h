/* remedy.h: what the user of this command line can do about an error, in the names of its options and commands. */
#ifndef CMD_REMEDY_H
#define CMD_REMEDY_H

#include "options.h"

/* "" for REMEDY_NONE. */
const char *remedy_words(ErrRemedy remedy);

/* The error, its hint and its remedy on stderr. options: of the command, NULL before they are known. */
void remedy_log(const Err *err, const Options *options);

#endif
