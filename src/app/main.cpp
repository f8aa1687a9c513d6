#include "base/result.hpp"

int main() { return 2; }
