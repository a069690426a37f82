// SPDX-License-Identifier: MIT
// Builds the precompiled headers.
