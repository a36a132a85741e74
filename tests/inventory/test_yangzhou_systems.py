"""Every system and every department that the city was asked to have is there, once."""

from __future__ import annotations

import pytest
from yangzhou_city import city, projects

# What the city must run, by the words of the request, and the departments that may sensibly own it.
SYSTEMS = {
    # base databases and certificates
    "人口": "公安局",
    "法人": "市场监管局",
    "地理": "自然资源局",
    "财税统计": "财政局",
    "信用": "发改委",
    "电子证照": "政务服务办",
    # support platforms
    "综合办公": "市政府办公室",
    "公众服务": "政务服务办",
    "决策支持": "大数据局",
    # shared platforms
    "数据共享交换平台": "大数据局",
    "城市运行管理平台": "大数据局",
    "统一身份认证": "大数据局",
    # economy
    "智慧旅游": "文广旅局",
    "智慧商务": "商务局",
    "智慧物流": "交通局",
    "智慧文化": "文广旅局",
    # administration
    "行政权力": "司法局",
    "联合审批": "政务服务办",
    "智慧治税": "税务局",
    # city
    "智能城管": "城管局",
    "智慧环保": "生态环境局",
    "智慧交通": "交通局",
    "管线": "住建局",
    # livelihood
    "智慧医疗": "卫健委",
    "智慧社区": "民政局",
    "智慧教育": "教育局",
    "食品溯源": "市场监管局",
    # others
    "12345": "12345中心",
    "门户网站群": "市政府办公室",
    "智慧纪检监察": "纪委监委",
}

DEPARTMENTS = (
    "工信局 公安局 城管局 生态环境局 水利局 住建局 卫健委 市场监管局 文广旅局 财政局 税务局 统计局 "
    "人社局 民政局 自然资源局 审计局 纪委监委 应急局 交通局 教育局 政务服务办 大数据局 12345中心"
).split()

COUNTIES = "宝应 仪征 高邮 江都 邗江 广陵".split()


@pytest.mark.parametrize(("system", "owner"), SYSTEMS.items())
def test_system_is_one_project_of_its_department(system: str, owner: str) -> None:
    found = [(t.display.zh, p.display.zh) for t, p in projects() if system in p.display.zh]
    assert [department for department, _ in found] == [owner], found


@pytest.mark.parametrize("name", DEPARTMENTS)
def test_department_is_a_tenant_once(name: str) -> None:
    assert [t.display.zh for t in city().tenancy.tenants].count(name) == 1


@pytest.mark.parametrize("name", COUNTIES)
def test_county_office_runs_its_projects_at_home(name: str) -> None:
    region = next(r for r in city().regions if r.display.zh.startswith(name))
    office = next(t for t in city().tenancy.tenants if t.region == region.name)
    assert office.display.zh.startswith(name)
    assert {project.region for project in office.projects} == {region.name}


def test_there_are_thirty_departments_and_six_counties() -> None:
    tenants = city().tenancy.tenants
    assert len([t for t in tenants if t.region == "city"]) == 30
    assert len(tenants) == 36


def test_base_databases_stand_in_their_zone_and_are_kept_best() -> None:
    base = [p for _, p in projects() if p.zone == "base-db"]
    assert len(base) == 6
    grades = {policy.name: policy.grade for policy in city().system.backup_policies}
    assert all(grades[p.backup] >= 4 for p in base if p.backup)
    assert all(p.backup for p in base)


def test_every_project_is_backed_up() -> None:
    assert [p.name for _, p in projects() if p.backup is None] == []
