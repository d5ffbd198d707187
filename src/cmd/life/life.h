/* life.h: what the commands about versions share. */
#ifndef CMD_LIFE_LIFE_H
#define CMD_LIFE_LIFE_H

#include "../command.h"
#include "flow/life.h"

/* "ann@host": who runs this. Valid for ever. */
const char *life_actor(void);

#endif
