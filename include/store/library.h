/* library.h: the client libraries of the kinds of database that the program knows. */
#ifndef STORE_LIBRARY_H
#define STORE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* The client library of kind number `kind`, from 0, and its version. False: there are fewer kinds. */
bool store_library(size_t kind, char *out, size_t cap);

#endif
