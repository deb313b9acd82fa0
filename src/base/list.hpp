// Intrusive lists: the links are part of the object, so queueing never allocates.
#pragma once

#include <cstddef>

namespace naru {

// An object that is to be on a List<T, Tag> derives from ListHook<Tag>; the tag
// lets one object be on several lists.
template <class Tag>
struct ListHook {
  ListHook* next = nullptr;
  ListHook* prev = nullptr;
  bool is_linked() const { return next != nullptr; }
};

// Doubly linked, circular through its head. The head must not move while the
// list holds anything.
template <class T, class Tag>
class List {
  using Hook = ListHook<Tag>;

 public:
  bool empty() const { return head_.next == nullptr || head_.next == &head_; }
  std::size_t size() const { return size_; }
  T* front() { return empty() ? nullptr : object(head_.next); }
  T* back() { return empty() ? nullptr : object(head_.prev); }
  T* next(T* object_in_list) {
    Hook* n = static_cast<Hook*>(object_in_list)->next;
    return n == &head_ ? nullptr : object(n);
  }

  void push_back(T* o) { insert(o, head()); }
  void push_front(T* o) { insert(o, head()->next); }
  void insert_before(T* position, T* o) { insert(o, static_cast<Hook*>(position)); }

  void remove(T* o) {
    Hook* hook = o;
    hook->next->prev = hook->prev;
    hook->prev->next = hook->next;
    hook->next = hook->prev = nullptr;
    --size_;
  }
  T* pop_front() {
    T* o = front();
    if (o != nullptr) remove(o);
    return o;
  }

 private:
  static T* object(Hook* hook) { return static_cast<T*>(hook); }

  // An all-zero list (fresh arena memory) is an empty one.
  Hook* head() {
    if (head_.next == nullptr) head_.next = head_.prev = &head_;
    return &head_;
  }
  void insert(Hook* hook, Hook* before) {
    hook->next = before;
    hook->prev = before->prev;
    before->prev->next = hook;
    before->prev = hook;
    ++size_;
  }

  Hook head_;
  std::size_t size_ = 0;
};

}  // namespace naru
