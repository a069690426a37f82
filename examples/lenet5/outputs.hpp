// SPDX-License-Identifier: MIT
// The files that lenet5 writes. None replaces an earlier result unless that is asked for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <typenet/core/config.hpp>

#include "settings.hpp"

namespace lenet5 {

/// The checkpoint that a training writes. Without --output, and where --output is a folder, the file is called `name`, or `name` with a
/// number where that exists: NAME-2.safetensors.
/// @throws typenet::argument_error if --output names a file that exists, and neither --overwrite nor --resume allows to replace it
std::filesystem::path checkpoint_path(const settings& s, const std::string& name);

/// Creates the folder of a file, and tries whether the file can be written there. An earlier file stays as it is.
/// @throws typenet::file_error if that fails
void require_writable(const std::filesystem::path& file);

/// Prepares a log, a text file of one line for each step, for the lines of later steps. A resumed training keeps the lines up to the step
/// `done`; a new one starts an empty file.
/// @param title the first line of a log, without its end
/// @returns true if the file has its title
/// @throws typenet::argument_error if the log of a new training exists, unless --overwrite is given
/// @throws typenet::file_error if the file of a resumed training is no log
bool continue_log(const settings& s, std::string_view title, typenet::index done);

/// Writes or replaces a file. Creates its folder if necessary.
/// @throws typenet::file_error if that fails, or the file is a link, which may lead out of its folder
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace lenet5
