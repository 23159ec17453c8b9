/* A name that programs include; everything is in vector_functions.h. */
#pragma once
#include "vector_functions.h"
