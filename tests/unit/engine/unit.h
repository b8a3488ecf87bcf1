/* cmocka wants these four before its own header. */
#ifndef TESTS_ENGINE_UNIT_H
#define TESTS_ENGINE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
