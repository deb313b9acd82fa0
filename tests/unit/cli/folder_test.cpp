// The served folder: nothing outside of it can be reached.
#include "cli/web/folder.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

namespace naru::cli::web {
namespace {

namespace fs = std::filesystem;

class FolderTest : public testing::Test {
 protected:
  FolderTest() {
    fs::create_directories(root / "served/sub");
    std::ofstream(root / "secret") << "secret";
    std::ofstream(root / "served/page") << "page";
    std::ofstream(root / "served/sub/deep") << "deep";
    fs::create_symlink("../page", root / "served/sub/inside");
    fs::create_symlink("../secret", root / "served/outside");
    fs::create_symlink(root / "secret", root / "served/absolute");
    fs::create_symlink("..", root / "served/up");
    ::mkfifo((root / "served/fifo").c_str(), 0600);
  }
  ~FolderTest() override { fs::remove_all(root); }

  int error_of(const char* path) {
    const auto file = folder().open_below(path);
    return file ? 0 : file.error();
  }
  Folder folder() { return Folder::open((root / "served").string()).value(); }

  const fs::path root =
      fs::path(testing::TempDir()) / ("naru_folder_" + std::to_string(::getpid()));
};

TEST_F(FolderTest, OpensFilesAndFolders) {
  const auto page = folder().open_below("page");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->size, 4U);
  EXPECT_FALSE(page->is_folder);
  EXPECT_TRUE(folder().open_below("")->is_folder);
  EXPECT_TRUE(folder().open_below("sub/")->is_folder);
  EXPECT_EQ(folder().open_below("sub/deep")->size, 4U);
  EXPECT_EQ(error_of("missing"), ENOENT);
  EXPECT_EQ(error_of("page/x"), ENOTDIR);
}

TEST_F(FolderTest, LinksAreFollowedOnlyInside) {
  EXPECT_EQ(error_of("sub/inside"), 0);
  EXPECT_EQ(error_of("outside"), EXDEV);
  EXPECT_EQ(error_of("absolute"), EXDEV);
  EXPECT_EQ(error_of("up/secret"), EXDEV);
  EXPECT_EQ(error_of("../secret"), EXDEV);
  EXPECT_EQ(error_of("/etc/passwd"), EXDEV);
}

TEST_F(FolderTest, WhatIsNoFileIsRefused) { EXPECT_EQ(error_of("fifo"), EACCES); }

TEST_F(FolderTest, EtagFollowsTheFile) {
  const std::string before = folder().open_below("page")->etag();
  EXPECT_EQ(folder().open_below("page")->etag(), before);
  std::ofstream(root / "served/page", std::ios::app) << "more";
  EXPECT_NE(folder().open_below("page")->etag(), before);
}

TEST_F(FolderTest, ListsFoldersFirst) {
  const auto root_folder = folder().open_below("");
  const auto entries = Folder::list(*root_folder);
  ASSERT_GE(entries.size(), 3U);
  EXPECT_TRUE(entries.front().is_folder);
  EXPECT_FALSE(entries.back().is_folder);
}

TEST_F(FolderTest, MissingFolder) {
  EXPECT_EQ(Folder::open((root / "nowhere").string()).error(), ENOENT);
  EXPECT_EQ(Folder::open((root / "secret").string()).error(), ENOTDIR);
}

}  // namespace
}  // namespace naru::cli::web
