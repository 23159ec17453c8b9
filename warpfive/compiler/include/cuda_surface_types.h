/* A name that programs include. */
#pragma once
#include "surface_types.h"
