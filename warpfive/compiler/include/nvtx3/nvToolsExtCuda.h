/* A name that programs include. */
#pragma once
#include "../nvToolsExt.h"
