/* A name that programs include. */
#pragma once
#include "../mma.h"
