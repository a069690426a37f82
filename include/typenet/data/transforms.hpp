// SPDX-License-Identifier: MIT
/// @file
/// Image transforms under torchvision's names. Unless its documentation says otherwise, a transform computes what Pillow computes on 8
/// bits, to the last bit.
///
/// `resize` and `pad` apply once, when the data set is made. `random_rotation`, `random_affine`, `random_roll` and `color_jitter` apply
/// anew in every epoch. `normalize` comes last.
///
///     auto train = transformed(load_mnist(mnist_split::train), resize<32, 32>{}, random_rotation{15.0f},
///                              color_jitter{.brightness = 0.2f, .contrast = 0.2f}, normalize{0.1307f, 0.3081f});
///
/// The result of a random transform is a function of (seed, epoch, sample). With `sample_key::evaluation()` random transforms do nothing.
/// Write a transform of your own with the concept `transform` (data/transforms/transform.hpp).
#pragma once

// IWYU pragma: begin_exports
#include <typenet/data/image_dataset.hpp>
#include <typenet/data/transforms/color_jitter.hpp>
#include <typenet/data/transforms/normalize.hpp>
#include <typenet/data/transforms/pad.hpp>
#include <typenet/data/transforms/random_affine.hpp>
#include <typenet/data/transforms/random_roll.hpp>
#include <typenet/data/transforms/random_rotation.hpp>
#include <typenet/data/transforms/resize.hpp>
#include <typenet/data/transforms/transform.hpp>
#include <typenet/data/transforms/transformed.hpp>
// IWYU pragma: end_exports
