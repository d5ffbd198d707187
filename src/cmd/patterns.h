/* patterns.h: what --pattern and --preset mean together. */
#ifndef CMD_PATTERNS_H
#define CMD_PATTERNS_H

#include "options.h"

/* Turns options->pattern from what was typed into globs: commas split, `{a,b}` becomes two, `+GLOB` adds to the default `standard`
 * or to the preset, any other one replaces the default. Sets patterns_asked. ERR_STOP without memory. */
bool patterns_finish(Options *options, const char *standard, Err *err);

#endif
