/* program.h: the program's name, as it stands in files, folders and sessions. Nothing below cmd writes it out again. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#define PROGRAM_NAME "migrate_models_to_db"

#endif
