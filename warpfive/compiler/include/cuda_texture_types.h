/* A name that programs include. */
#pragma once
#include "texture_types.h"
