// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <string>

#include "networks.hpp"

namespace tn = typenet;

TEST_CASE("a network as a table") {
  CHECK(tn::summary<networks::lenet5>() == R"(Name  Layer             Output           Parameters     MACs
------------------------------------------------------------
      input             [N, 1, 32, 32]
0     conv2d<6, 5>      [N, 6, 28, 28]          156  117,600
1     batch_norm<>      [N, 6, 28, 28]           12        -
2     relu              [N, 6, 28, 28]            -        -
3     max_pool2d<2>     [N, 6, 14, 14]            -        -
4     conv2d<16, 5>     [N, 16, 10, 10]       2,416  240,000
5     batch_norm<>      [N, 16, 10, 10]          32        -
6     relu              [N, 16, 10, 10]           -        -
7     max_pool2d<2>     [N, 16, 5, 5]             -        -
8     flatten           [N, 400]                  -        -
9     dropout<0.1>      [N, 400]                  -        -
10    linear<120>       [N, 120]             48,120   48,000
11    relu              [N, 120]                  -        -
12    linear<84>        [N, 84]              10,164   10,080
13    relu              [N, 84]                   -        -
14    gaussian_rbf<10>  [N, 10]                 840      840
------------------------------------------------------------
Parameters    61,740
Buffers       46
MACs          416,520 a sample

Memory for a batch of 32, at 4 bytes a number
Parameters    241.2 KiB
Activations   )" + tn::detail::readable_bytes(networks::lenet5::activation_bytes<>(32)) +
                                               "\nWorkspace     " + tn::detail::readable_bytes(networks::lenet5::workspace_bytes<>(32)) +
                                               " more to train\n");
}

TEST_CASE("members of a composition stand below it, indented") {
  const std::string text = tn::summary<networks::nested>();
  const std::string table = R"(Name          Layer                     Output          Parameters     MACs
---------------------------------------------------------------------------
              input                     [N, 3, 16, 16]
stem          conv2d<8, 3, padding<1>>  [N, 8, 16, 16]         224   55,296
1             residual                  [N, 8, 16, 16]
  1.0         conv2d<8, 3, padding<1>>  [N, 8, 16, 16]         584  147,456
  1.1         batch_norm<>              [N, 8, 16, 16]          16        -
  1.2         relu                      [N, 8, 16, 16]           -        -
2             concat                    [N, 8, 16, 16]
  2.0         conv2d<4, 1>              [N, 4, 16, 16]          36    8,192
  2.1         sequential                [N, 4, 16, 16]
    2.1.0     conv2d<2, 1>              [N, 2, 16, 16]          18    4,096
    2.1.wide  conv2d<4, 5, padding<2>>  [N, 4, 16, 16]         204   51,200
3             global_avg_pool2d         [N, 8, 1, 1]             -        -
4             flatten                   [N, 8]                   -        -
head          linear<10>                [N, 10]                 90       80
---------------------------------------------------------------------------
Parameters    1,172
Buffers       17
MACs          266,320 a sample
)";
  CHECK(text.substr(0, table.size()) == table);
}

TEST_CASE("memory is told for any batch and scalar") {
  using net = tn::network<tn::input<4>, tn::linear<2>>;
  CHECK(tn::summary<net>(7).find("Memory for a batch of 7, at 4 bytes a number\nParameters    40 B\nActivations   384 B\n") !=
        std::string::npos);
  CHECK(tn::summary<net, double>(100).find("Memory for a batch of 100, at 8 bytes a number\nParameters    80 B\nActivations   5.3 KiB\n") !=
        std::string::npos);
}

TEST_CASE("numbers for people") {
  using tn::detail::grouped;
  using tn::detail::readable_bytes;
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(61'740) == "61,740");
  CHECK(grouped(1'234'567'890) == "1,234,567,890");
  CHECK(readable_bytes(0) == "0 B");
  CHECK(readable_bytes(1023) == "1023 B");
  CHECK(readable_bytes(1024) == "1.0 KiB");
  CHECK(readable_bytes(1536) == "1.5 KiB");
  CHECK(readable_bytes(246'960) == "241.2 KiB");
  CHECK(readable_bytes(1024 * 1024 - 1) == "1,024.0 KiB");
  CHECK(readable_bytes(tn::index{5} * 1024 * 1024 * 1024) == "5.0 GiB");
}
