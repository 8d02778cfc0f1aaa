#include "PlannedModel.h"
