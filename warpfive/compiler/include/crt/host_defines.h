/* A name that programs include. */
#pragma once
#include "../host_defines.h"
