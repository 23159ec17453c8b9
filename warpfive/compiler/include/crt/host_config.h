/* A name that programs include. */
#pragma once
#include "../driver_types.h"
