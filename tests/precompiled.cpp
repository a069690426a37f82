// SPDX-License-Identifier: MIT
// Has the precompiled headers made, and nothing else.
