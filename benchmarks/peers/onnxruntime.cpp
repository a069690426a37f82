// SPDX-License-Identifier: MIT
// Measures inference in ONNX Runtime with the weights and the samples of typenet, and compares the outputs. ONNX Runtime runs in Node, for
// which it has a package. Node adds some microseconds to every call.
#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "../lenet5.hpp"
#include "../measure.hpp"

namespace benchmarks {
namespace {

namespace tn = typenet;

/// Builds an ONNX graph node by node. The output of each node has the name of the node.
class graph {
 public:
  graph() {
    model_.set_ir_version(7);
    model_.add_opset_import()->set_version(13);
    model_.mutable_graph()->set_name("lenet5");
  }

  std::string constant(const std::string& name, std::span<const float> values, const std::vector<std::int64_t>& dims) {
    onnx::TensorProto& t = *model_.mutable_graph()->add_initializer();
    t.set_name(name);
    t.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t d : dims) t.add_dims(d);
    for (const float v : values) t.add_float_data(v);
    return name;
  }
  onnx::NodeProto& node(const char* kind, const std::vector<std::string>& inputs, const std::string& output) {
    onnx::NodeProto& n = *model_.mutable_graph()->add_node();
    n.set_op_type(kind);
    n.set_name(output);
    for (const std::string& input : inputs) n.add_input(input);
    n.add_output(output);
    return n;
  }
  std::string simple(const char* kind, const std::vector<std::string>& inputs, const std::string& output) {
    node(kind, inputs, output);
    return output;
  }
  static void set(onnx::NodeProto& n, const char* name, std::vector<std::int64_t> values) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t v : values) a.add_ints(v);
  }
  static void set(onnx::NodeProto& n, const char* name, std::int64_t value) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::INT);
    a.set_i(value);
  }
  static void set(onnx::NodeProto& n, const char* name, float value) {
    onnx::AttributeProto& a = *n.add_attribute();
    a.set_name(name);
    a.set_type(onnx::AttributeProto::FLOAT);
    a.set_f(value);
  }
  static void describe(onnx::ValueInfoProto& value, const char* name, const std::vector<std::int64_t>& dims) {
    value.set_name(name);
    onnx::TypeProto_Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("samples");
    for (const std::int64_t d : dims) type.mutable_shape()->add_dim()->set_dim_value(d);
  }

  onnx::ModelProto& model() { return model_; }

 private:
  onnx::ModelProto model_;
};

/// Writes `lenet5` as an ONNX file. It computes ||x - c||^2 as ||x||^2 - 2 x c + ||c||^2, which is faster in ONNX Runtime.
void write_onnx(const tn::model<lenet5>& from, const std::string& file) {
  graph g;
  onnx::GraphProto& whole = *g.model().mutable_graph();
  graph::describe(*whole.add_input(), "x", {1, 32, 32});
  graph::describe(*whole.add_output(), "y", {10});
  const auto parameter = [&](const std::string& name, const std::vector<std::int64_t>& dims) {
    return g.constant(name, from.parameter(name), dims);
  };
  const auto buffer = [&](const std::string& name, std::int64_t size) { return g.constant(name, from.buffer(name), {size}); };

  std::string x = "x";
  const auto stage = [&](int at, std::int64_t inputs, std::int64_t outputs) {
    const std::string conv = std::to_string(at), norm = std::to_string(at + 1);
    x = g.simple("Conv", {x, parameter(conv + ".weight", {outputs, inputs, 5, 5}), parameter(conv + ".bias", {outputs})}, "conv" + conv);
    x = g.simple("BatchNormalization",
                 {x, parameter(norm + ".weight", {outputs}), parameter(norm + ".bias", {outputs}), buffer(norm + ".running_mean", outputs),
                  buffer(norm + ".running_var", outputs)},
                 "norm" + norm);
    x = g.simple("Relu", {x}, "relu" + conv);
    onnx::NodeProto& pool = g.node("MaxPool", {x}, "pool" + conv);
    graph::set(pool, "kernel_shape", {2, 2});
    graph::set(pool, "strides", {2, 2});
    x = "pool" + conv;
  };
  stage(0, 1, 6);
  stage(4, 6, 16);
  x = g.simple("Flatten", {x}, "flat");
  const auto linear = [&](int at, std::int64_t inputs, std::int64_t outputs) {
    const std::string name = std::to_string(at);
    graph::set(g.node("Gemm", {x, parameter(name + ".weight", {outputs, inputs}), parameter(name + ".bias", {outputs})}, "linear" + name),
               "transB", std::int64_t{1});
    x = g.simple("Relu", {"linear" + name}, "relu" + name);
  };
  linear(10, 400, 120);
  linear(12, 120, 84);

  const auto centers = from.parameter("14.centers");
  std::vector<float> norms(10);
  for (std::size_t i = 0; i < centers.size(); ++i) norms[i / 84] += centers[i] * centers[i];
  onnx::NodeProto& product = g.node("Gemm", {x, parameter("14.centers", {10, 84}), g.constant("norms", norms, {10})}, "product");
  graph::set(product, "transB", std::int64_t{1});
  graph::set(product, "alpha", -2.0F);
  onnx::NodeProto& squares = g.node("ReduceSumSquare", {x}, "squares");
  graph::set(squares, "axes", std::vector<std::int64_t>{1});
  graph::set(squares, "keepdims", std::int64_t{1});
  const std::vector<float> scale{-0.5F};
  g.simple("Mul", {g.simple("Add", {"product", "squares"}, "distance"), g.constant("scale", scale, {1})}, "exponent");
  g.simple("Exp", {"exponent"}, "y");

  std::ofstream out{file, std::ios::binary};
  if (!g.model().SerializeToOstream(&out) || !out.flush()) throw std::runtime_error{"cannot write " + file};
}

/// A temporary folder with the weights and some samples, and the outputs of typenet for these samples.
struct shared_files {
  static constexpr int most = 1000;
  std::filesystem::path folder;
  std::vector<float> answers;

  shared_files() {
    std::string name = (std::filesystem::temp_directory_path() / "typenet-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make a folder like " + name};
    folder = name;
    tn::model<lenet5> model{tn::seed{42}};
    model.initialize({.centers = tn::init::normal(0, 0.2)});
    // Trains for a few steps, so that batch norm has statistics to fold.
    tn::trainer trainer{model, tn::mse{}, tn::adam{}, tn::fit_options{.batch_size = 32, .threads = 1}};
    const std::vector<float> samples = random_numbers(most * 1024, 6);
    const std::vector<int> labels(32, 3);
    for (int i = 0; i < 10; ++i) trainer.step(std::span{samples}.first(32 * 1024), std::span{labels});
    answers.resize(most * 10);
    model.predict(samples, answers, most);
    write_onnx(model, (folder / "lenet5.onnx").string());
    for (const int batch : {1, 32, most}) {
      std::ofstream out{file_of(batch), std::ios::binary};
      out.write(reinterpret_cast<const char*>(samples.data()), static_cast<std::streamsize>(sizeof(float) * 1024) * batch);
      if (!out.flush()) throw std::runtime_error{"cannot write " + file_of(batch)};
    }
  }
  shared_files(const shared_files&) = delete;
  shared_files& operator=(const shared_files&) = delete;
  ~shared_files() {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  [[nodiscard]] std::string file_of(int batch) const { return (folder / ("samples" + std::to_string(batch))).string(); }

  /// Runs ONNX Runtime for about `seconds` and returns the mean seconds of one inference call.
  [[nodiscard]] double run(int batch, int threads, double seconds) const {
    const std::string theirs = (folder / "answers").string();
    std::string command = TYPENET_NODE;
    for (const std::string& argument :
         {std::string{TYPENET_ONNXRUNTIME_SCRIPT}, std::string{TYPENET_ONNXRUNTIME_FOLDER}, (folder / "lenet5.onnx").string(),
          file_of(batch), std::to_string(batch), std::to_string(threads), std::to_string(seconds), theirs})
      command.append(" '").append(argument).append("'");
    std::FILE* const pipe = popen(command.c_str(), "r");
    double each = 0;
    const bool read = pipe != nullptr && std::fscanf(pipe, "%lf", &each) == 1;
    if (pipe == nullptr || pclose(pipe) != 0 || !read) throw std::runtime_error{"ONNX Runtime failed: " + command};
    std::vector<float> answered(static_cast<std::size_t>(batch) * 10);
    std::ifstream{theirs, std::ios::binary}.read(reinterpret_cast<char*>(answered.data()),
                                                 static_cast<std::streamsize>(sizeof(float) * answered.size()));
    for (std::size_t i = 0; i < answered.size(); ++i)
      if (!(std::abs(answered[i] - answers[i]) < 1e-4F)) throw std::runtime_error{"ONNX Runtime and typenet answer differently"};
    return each;
  }
};

void measure_prediction(const std::shared_ptr<std::unique_ptr<shared_files>>& files, const std::string& name, int batch, int threads,
                        const effort& how) {
  measure({.name = "ONNX Runtime: " + name, .samples = batch == 1 ? 0.0 : batch, .threads = threads, .times_itself = true}, how,
          [=](benchmark::State& state) {
            if (*files == nullptr) *files = std::make_unique<shared_files>();
            for ([[maybe_unused]] const auto _ : state) state.SetIterationTime((*files)->run(batch, threads, how.seconds));
          });
}

void measure_onnxruntime(const effort& how) {
  const auto files = std::make_shared<std::unique_ptr<shared_files>>();
  measure_prediction(files, "inference, one sample", 1, 1, how);
  for (const int threads : team_sizes())
    for (const int batch : {32, shared_files::most})
      measure_prediction(files, "inference, batch " + std::to_string(batch) + ", " + threads_text(threads), batch, threads, how);
}

const registration here{"ONNX Runtime", measure_onnxruntime};

}  // namespace
}  // namespace benchmarks
